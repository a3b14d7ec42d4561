-- expect: acts, so it can only be called while `run` runs
local cb = require "cloudbuild"
cb.import {}
