-- expect: is called in a function that Lua itself calls
local cb = require "cloudbuild"
return cb.recipe {
  run = function(cb)
    local lazy = setmetatable({}, { __index = function() return cb.import {} end })
    return lazy.imported
  end,
}
