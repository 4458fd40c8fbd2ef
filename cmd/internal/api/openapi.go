package api

import _ "embed"

// openAPI describes the interface for other clients.
//
//go:embed openapi.json
var openAPI []byte
