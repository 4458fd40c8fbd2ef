isuer "https://idp.example.com" { # ERROR: unknown block "isuer"
}
