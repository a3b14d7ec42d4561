-- expect: MiB, got more
local cb = require "cloudbuild"
local names = {}
for at = 1, 1000000 do names[at] = "p" .. at end
return cb.campaign "wide" { packages = names }
