# METADATA
# title: Canonical keys
# description: Keys read "format:value", such as "email:jane@example.com".
package lib.keys

# METADATA
# title: The keys of one format
of_format(keys, format) := {key | some key in keys; startswith(key, concat("", [format, ":"]))}
