-- expect: `sources`: expected the result of `cb.import` or some of its sources such as `imported:first(20)`, got a table
local cb = require "cloudbuild"
return cb.recipe { run = function()
  local forged = { kind = "import", import = ("0"):rep(64), arch = "amd64" }
  return cb.order { sources = forged, packages = { "hello" } }
end }
