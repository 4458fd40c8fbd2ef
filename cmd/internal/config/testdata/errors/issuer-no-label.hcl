issuer { # ERROR: missing url of issuer
}
