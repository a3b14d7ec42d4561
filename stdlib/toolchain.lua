--- `cb.toolchain "name" { ... }`: a cell of a matrix whose packages are built with other tools. The campaign imports
--- once more for it, with its overlay.
local cb = require "cloudbuild"

--- The options have been checked against the declaration of `toolchain`.
---@param name string
---@param options cloudbuild.options.toolchain
---@return cloudbuild.Toolchain
return function(name, options)
  local overlay = options.overlay
  -- One package may stand without a list around it.
  if overlay and overlay.kind then overlay = { overlay } end
  return { name = name, cell = cb.cell(name)(options.flags or {}), overlay = overlay, variant = options.variant }
end
