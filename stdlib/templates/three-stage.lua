-- NAME: rebuilds the base system, then the whole archive with it, then what was built with something else than now.
-- cloudbuild plan NAME.lua shows what it would do, cloudbuild NAME.lua does it.
local cb = require "cloudbuild"

local upstream = cb.apt.system()

return cb.campaign "NAME" {
  sources = upstream,

  stages = {
    cb.stage "base"   { packages = cb.base_system(), against = upstream },
    cb.stage "first"  { packages = cb.everything {}, against = { "base", upstream } },   -- new binaries where there are some
    cb.stage "second" { packages = cb.changed_inputs "first",                            -- were built with other packages
                        against  = { "first", "base", upstream }, optional = true },
  },

  not_for_us = {},                                       -- source packages that are left out
  builders   = cb.here { slots = 2 },
  publish    = cb.dir "archive" { suite = "NAME", origin = "Example" },
}
