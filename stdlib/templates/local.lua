-- NAME: rebuilds a few packages on this machine.
-- cloudbuild plan NAME.lua shows what it would do, cloudbuild NAME.lua does it.
local cb = require "cloudbuild"

return cb.campaign "NAME" {
  sources  = cb.apt.system(),                            -- this machine's own APT sources
  packages = { "hello" },                                -- source packages, by name or name=version

  environment = { DEB_BUILD_OPTIONS = "nocheck" },       -- variables of the build
  builders    = cb.here { slots = 1 },                   -- builds at the same time
  publish     = cb.dir "archive" { suite = "NAME", origin = "Example" },
}
