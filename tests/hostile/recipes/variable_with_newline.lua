-- expect: `environment.A`: expected one line of text
local cb = require "cloudbuild"
return cb.campaign "x" { packages = { "hello" }, environment = { A = "1\nB=2" } }
