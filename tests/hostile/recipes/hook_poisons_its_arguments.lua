-- expect: protected metatable
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  choose_flags = function(source, cell)
    setmetatable(source, {})
  end,
} }
