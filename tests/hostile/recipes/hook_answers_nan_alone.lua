-- expect: expected a number that can be written, got
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  on_failure = function(job, failure)
    return 0 / 0
  end,
} }
