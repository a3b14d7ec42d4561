-- expect: expected a list of strings
local cb = require "cloudbuild"
return cb.campaign "x" {
  packages =
    setmetatable({ a = 1 }, { __pairs = function() while true do end end }),
}
