-- expect: expected the file to return a recipe, got nothing
local cb = require "cloudbuild"
cb.campaign "x" { packages = { "hello" } }
