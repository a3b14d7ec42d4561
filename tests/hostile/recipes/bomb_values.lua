-- expect: expected to use at most 16 MiB
local cb = require "cloudbuild"
while true do cb.dir "x" end
