listen { # ERROR: "listen" is an attribute
}
