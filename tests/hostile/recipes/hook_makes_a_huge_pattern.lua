-- expect: smaller pattern
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  classify = function(log, job)
    return log:has(cb.re "((a{100}){100}){100}")
  end,
} }
