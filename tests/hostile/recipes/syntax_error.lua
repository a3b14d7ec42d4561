-- expect: syntax error
local cb = require "cloudbuild"
return cb.campaign "x" {
  packages = { "hello" ,,
}
