data_dir = ["data"] # ERROR: data_dir must be text in quotes
