-- NAME: packages for another architecture, cross-built where they can be, in an emulated chroot where not.
-- cloudbuild plan NAME.lua shows what it would do, cloudbuild NAME.lua does it; cloudbuild setup --arch arm64 comes first.
local cb = require "cloudbuild"

return cb.campaign "NAME" {
  sources  = cb.apt.system(),
  arch     = "arm64",
  packages = { "hello", "sed" },

  how = {                                                -- tried in this order
    cb.cross    { build = "amd64", profiles = { "cross", "nocheck" } },
    cb.emulated { time_factor = 12 },                    -- so many times as long as on a machine of its own
  },

  choose_how = function(source)
    if source.build_depends:has "ghc" then return "emulated" end        -- it runs what it builds
  end,

  on_failure = function(job, failure)
    if failure.class == "needs-native" then return cb.retry { how = "emulated" } end
  end,

  builders = cb.here { slots = 1 },
  publish  = cb.dir "archive" { suite = "NAME", origin = "Example" },
}
