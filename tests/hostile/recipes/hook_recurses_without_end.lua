-- expect: stack overflow
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  choose_flags = function(source, cell)
    local function deep() return 1 + deep() end
    return deep()
  end,
} }
