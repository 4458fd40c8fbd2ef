node = env("NO_SUCH_NAME") # ERROR: environment variable "NO_SUCH_NAME" is not set
