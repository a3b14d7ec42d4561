-- NAME: packages built for one board: flags of its processor, and local packages that supersede the archive's.
-- cloudbuild plan NAME.lua shows what it would do, cloudbuild NAME.lua does it.
local cb = require "cloudbuild"

local board = cb.variant "board" {
  base  = "amd64",                                       -- Architecture stays amd64
  tag   = "v3",                                          -- Architecture-Variant, and part of the file names
  flags = "-march=x86-64-v3",                            -- C, C++, Objective-C, Fortran, assembler
}

return cb.campaign "NAME" {
  sources = cb.apt.system(),
  arch    = board,

  -- Paths from this file's folder; they win over any version of the same packages.
  overlay = {
    -- cb.source_package "hello_2.10-3+board1.dsc" { first = true },    -- built first, then used by all
    -- cb.source_tree    "firmware",                                    -- a directory with debian/
    -- cb.binary_package "board-config_1.0_all.deb",
  },

  packages = cb.runtime_closure { of = { "hello", "sed" } },            -- what is in the image

  rules = {                                              -- later wins
    { match = { section = "libs" }, set = { cflags = { append = "-O3" } } },
    { match = { name = "sed" },     set = { options = { "nocheck" } } },
  },

  builders = cb.here { slots = 1 },
  publish  = cb.dir "archive" { suite = "NAME", origin = "Example" },
}
