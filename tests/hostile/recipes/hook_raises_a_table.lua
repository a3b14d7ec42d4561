-- expect: expected an error's text, got a table
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  choose_flags = function(source, cell)
    error({})
  end,
} }
