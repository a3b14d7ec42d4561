-- expect: the hook does not end
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  on_failure = function(job, failure)
    while true do pcall(function() while true do end end) end
  end,
} }
