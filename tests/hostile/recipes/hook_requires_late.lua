-- expect: was not read when the recipe was loaded
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  choose_flags = function(source, cell)
    return require "loop_for"
  end,
} }
