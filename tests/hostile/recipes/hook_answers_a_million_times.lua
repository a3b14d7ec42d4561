-- expect: got more
local cb = require "cloudbuild"
return cb.recipe { run = function() end, hooks = {
  on_failure = function(job, failure)
    local answer
    for _ = 1, 1000000 do answer = cb.retry { parallel = 2 } end
    return answer
  end,
} }
