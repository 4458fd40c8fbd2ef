package policies

import "embed"

// Shipped is the pack that comes with the product: signals, lib and
// schema. Its schema directory is the contract itself and is never overlaid.
//
//go:embed signals lib schema
var Shipped embed.FS
