sink "http" "directory" { # ERROR: half a client certificate
  url         = "https://directory.example.com/api"
  client_cert = "client.pem"
}
