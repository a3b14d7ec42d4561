-- expect: `cb.campaign` has no option `pakages`
local cb = require "cloudbuild"
return cb.campaign "x" { pakages = { "hello" } }
