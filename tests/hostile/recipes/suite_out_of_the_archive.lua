-- expect: `suite`: expected a name
local cb = require "cloudbuild"
return cb.campaign "x" { packages = { "hello" }, publish = cb.dir "out" { suite = "../../etc" } }
