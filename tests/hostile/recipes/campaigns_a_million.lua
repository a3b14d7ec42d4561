-- expect: got more
local cb = require "cloudbuild"
local last
for at = 1, 1000000 do last = cb.campaign("c" .. at) { packages = { "hello" } } end
return last
