--- `cb.campaign "name" { ... }`: the whole way: import, then order and build each stage, publish, compare.
local cb = require "cloudbuild"

--- Raises an error of the campaign's line: its code, what is wrong, advice.
local function wrong(code, message, hint) error("[" .. code .. "] " .. message .. "\nhint: " .. hint, 0) end

--- The campaign's stages; one that builds `packages` where none are named.
local function stages_of(options)
  local stages = options.stages
  if not stages then
    if not options.packages then
      wrong("E0203", "`cb.campaign`: `packages` is missing: expected a list of strings or a selection",
            "say what to build, or give `stages`")
    end
    return { cb.stage "first" { packages = options.packages } }
  end
  if options.packages then
    wrong("E0201", "`cb.campaign`: expected `packages` or `stages`, got both", "each stage says its own packages")
  end
  if stages.kind then stages = { stages } end
  local seen = {}
  for number, stage in ipairs(stages) do
    local at = "stages[" .. number .. "]"
    if seen[stage.name] then
      wrong("E0206", "`" .. at .. "`: expected a name of its own for each stage, got `" .. stage.name .. "` again",
            "each stage has its own jobs")
    end
    for _, layer in ipairs(stage.against or {}) do
      if type(layer) == "string" and not seen[layer] then
        wrong("E0201", "`" .. at .. ".against`: expected a stage before `" .. stage.name .. "`, got `" .. layer .. "`",
              "stages are built in the order of the list")
      end
    end
    seen[stage.name] = true
  end
  if #stages == 0 then wrong("E0201", "`stages`: expected at least one stage, got an empty list", "write `cb.stage \"first\" { ... }`") end
  return stages
end

--- What each stage is built as, one after the other: with which cell, the how manieth time, and under which name. A
--- campaign without a matrix has one turn, named as the stage.
local function turns_of(matrix, repeats)
  if not matrix then return { {} } end
  local names, turns = {}, {}
  for _, cell in ipairs(matrix) do
    if names[cell.name] then
      wrong("E0206", "`matrix`: expected a name of its own for each cell, got `" .. cell.name .. "` again",
            "each cell has stages of its own")
    end
    names[cell.name] = cell
  end
  local baseline = matrix.baseline or matrix[1].name
  if not names[baseline] then
    wrong("E0201", "`matrix.baseline`: expected one of the cells, got `" .. baseline .. "`",
          "it is the cell that is published, and that others are compared with")
  end
  repeats = repeats and repeats > 0 and repeats or matrix.repeats or 1
  local function add(cell, number)
    local name = "." .. cell.name
    if number > 1 then name = name .. "." .. number end
    local tools = cell.kind == "toolchain" and cell or nil
    turns[#turns + 1] = {
      cell = tools and tools.cell or cell, tools = tools, number = number, name = name,
      baseline = cell.name == baseline and number == 1,
    }
  end
  if matrix.order == "cell by cell" then
    for _, cell in ipairs(matrix) do for number = 1, repeats do add(cell, number) end end
  else
    for number = 1, repeats do for _, cell in ipairs(matrix) do add(cell, number) end end
  end
  return turns
end

--- The campaign's overlay with that of a cell.
local function joined(ours, more)
  if not more then return ours end
  local all = {}
  for _, overlays in ipairs { ours or {}, more } do
    -- One package may stand without a list around it.
    if overlays.kind then overlays = { overlays } end
    for _, overlay in ipairs(overlays) do all[#all + 1] = overlay end
  end
  return all
end

--- What every campaign takes from the command line, so that it can be tried small before it is run as it is written.
local function arguments(matrix)
  local args = {
    only = { "list", default = {}, help = "of each stage, build these source packages only" },
    here = { "boolean", default = false, help = "build on this machine, whatever `builders` says" },
    out  = { "file", default = "", help = "publish to this directory, whatever `publish` says" },
  }
  if matrix then args.repeats = { "integer", default = 0, help = "build each cell so often, whatever the matrix says" } end
  return args
end

--- The options have been checked against the declaration of `campaign`.
---@param name string
---@param options cloudbuild.options.campaign
---@return cloudbuild.Recipe
return function(name, options)
  local sources  = options.sources or cb.apt.system()
  local builders = options.builders or cb.here()
  local target   = options.publish or cb.dir "archive"
  local prove    = options.prove ~= false
  local stages   = stages_of(options)
  turns_of(options.matrix)
  local arch, variant = options.arch, nil
  if type(arch) == "table" then arch, variant = arch.base, arch end

  if builders.kind then builders = { builders } end

  -- Cross builds run on another architecture, whose packages have to be there, too.
  local how, build_arch = options.how, nil
  if how and how.kind then how = { how } end
  for _, way in ipairs(how or {}) do build_arch = build_arch or way.build end

  return cb.recipe {
    name  = name,
    about = options.about or "rebuild packages and publish them as `" .. name .. "`",
    args  = arguments(options.matrix ~= nil),
    hooks = {
      choose_flags = options.choose_flags, choose_how = options.choose_how, classify = options.classify,
      on_failure = options.on_failure, on_stage_done = options.on_stage_done,
    },

    run = function(cb, args)
      local imports, fleet = {}, nil
      local builders = args.here and { cb.here() } or builders
      local target   = args.out ~= "" and cb.dir(args.out) { suite = target.suite, origin = target.origin, label = target.label }
                       or target
      local turns    = turns_of(options.matrix, args.repeats)
      local built, all, published, installed = {}, {}, {}, 0

      --- Each list of sources is imported once, and once more for tools that are local packages.
      local function import(list, tools)
        local own = tools and tools.overlay
        local key = own and tools.name or ""
        imports[key] = imports[key] or {}
        imports[key][list] = imports[key][list]
          or cb.import { sources = list, arch = arch, build_arch = build_arch, overlay = joined(options.overlay, own) }
        return imports[key][list]
      end

      --- Builds a stage as one turn says, against what the same turn built before.
      local function build(stage, turn, last)
        local suffix, against = turn.name or "", {}
        local crosses = false
        for _, layer in ipairs(stage.against or { sources }) do
          if type(layer) ~= "string" and layer.kind == "cross-only" then crosses = true end
          if type(layer) == "string" then
            layer = built[layer .. suffix]
          elseif layer.kind == "apt-sources" then
            layer = import(layer, turn.tools)
          end
          against[#against + 1] = layer
        end
        -- Below its base a variant sees nothing of it; what cross builds run on is seen all the same.
        local hardware = turn.tools and turn.tools.variant or variant
        if hardware and hardware.below and build_arch and not crosses then against[#against + 1] = cb.cross_only() end
        local packages = stage.packages
        if #args.only > 0 then packages = cb.pick { of = packages, name = args.only } end
        local order = cb.order { sources = import(sources, turn.tools), packages = packages, against = against,
                                 not_for_us = options.not_for_us }
        fleet = fleet or cb.launch { budget = options.budget, table.unpack(builders) }
        local result = cb.build { stage = stage.name .. suffix, order = order, against = against, on = fleet,
                                  environment = options.environment, flags = options.flags,
                                  variant = hardware,
                                  rules = options.rules, how = how, suffix = options.suffix,
                                  maintainer = options.maintainer,
                                  measure = options.measure, verify = options.verify, cell = turn.cell,
                                  repeat_number = turn.number, optional = stage.optional,
                                  -- A place may ask for what there is so far, as often as it says.
                                  mirror = options.mirror,
                                  publish = turn.baseline ~= false and target or nil,
                                  suite = target.suite or name,
                                  prove = prove and last and turn.baseline ~= false }
        built[stage.name .. suffix] = result
        all[#all + 1] = result
        if turn.baseline ~= false then
          published[#published + 1] = result
          installed = installed + result.installed
        end
      end

      import(sources)
      for number, stage in ipairs(stages) do
        for _, turn in ipairs(turns) do build(stage, turn, number == #stages) end
      end

      -- An archive without packages helps nobody, and would replace one that has some.
      if installed > 0 then
        cb.publish { to = target, prove = prove, variant = variant, suite = target.suite or name, origin = target.origin,
                     label = target.label or name, table.unpack(published) }
      end
      all.baseline, all.report = options.matrix and options.matrix.baseline, options.report
      return cb.compare(all)
    end,
  }
end
