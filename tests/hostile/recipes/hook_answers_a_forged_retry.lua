-- expect: expected `cb.retry { ... }` or `cb.give_up()`
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  on_failure = function(job, failure)
    return { kind = "retry", parallel = -1 }
  end,
} }
