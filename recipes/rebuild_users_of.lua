-- The primitives by hand: rebuild what build-depends on a package that I changed, against the old one and the new one.
-- cloudbuild recipes/rebuild_users_of.lua --dsc ./zlib_1.3.dfsg-4.dsc --most 20
local cb = require "cloudbuild"

return cb.recipe {
  about = "rebuild what uses a changed package",
  args  = {
    dsc  = { "file", help = "the changed source package" },
    most = { "integer", default = 20, help = "how many of its users are rebuilt" },
  },

  run = function(cb, args)
    local upstream = cb.import { sources = cb.apt.system() }
    local changed  = cb.import { dsc = args.dsc }
    local builders = cb.launch { cb.here() }
    local first    = cb.build  { stage = "changed", sources = changed, against = upstream, on = builders }
    if first.installed < first.count then error("the changed package does not build", 0) end
    local users    = upstream:build_depend_on(first.binaries):first(args.most)
    local order    = cb.order  { sources = users, against = { first, upstream } }
    local control  = cb.build  { stage = "control", order = order, against = upstream, on = builders }
    local second   = cb.build  { stage = "users", order = order, against = { first, upstream }, on = builders }
    cb.publish { first, second, to = cb.dir "out", suite = "users" }
    return cb.compare { control, second }
  end,
}
