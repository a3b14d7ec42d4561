-- expect: is called in a function that Lua itself calls
local cb = require "cloudbuild"
return cb.recipe {
  run = function(cb)
    table.sort({ 1, 2, 3 }, function(a, b)
      cb.import {}
      return a < b
    end)
  end,
}
