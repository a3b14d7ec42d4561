-- expect: `packages`: expected a list of strings
local cb = require "cloudbuild"
return cb.campaign "x" { packages = 3 }
