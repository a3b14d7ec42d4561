-- NAME: builds the same packages with several sets of flags, and compares.
-- cloudbuild plan NAME.lua shows what it would do, cloudbuild NAME.lua does it.
local cb = require "cloudbuild"

return cb.campaign "NAME" {
  sources  = cb.apt.system(),
  packages = { "hello", "sed" },

  matrix = {
    cb.cell "O2"  {},                                             -- as the distribution builds it
    cb.cell "O3"  { cflags = { replace = { ["-O2"] = "-O3" } } },
    cb.cell "LTO" { options = { "optimize=+lto" } },
    baseline = "O2",                                              -- is published, and compared with
    repeats  = 1,                                                 -- how often each cell is built
  },

  choose_flags = function(source, cell)
    if source.name == "glibc" and cell.name == "LTO" then return cb.skip "glibc does not support LTO" end
  end,

  builders = cb.here { slots = 1 },
  publish  = cb.dir "archive" { suite = "NAME", origin = "Example" },
}
