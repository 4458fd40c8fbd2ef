# METADATA
# title: Words
# description: Values as analysts read them.
package lib.words

# METADATA
# title: A length of time
# description: Seconds in the unit that leaves a small number.
duration(seconds) := $"{floor(seconds)} s" if seconds < 120

else := $"{floor(seconds / 60)} min" if seconds < 2 * 3600

else := $"{floor(seconds / 3600)} h" if seconds < 2 * 86400

else := $"{floor(seconds / 86400)} days"

# METADATA
# title: The text of a message per language
# description: English if there is one, else the first language; RISC senders also give plain text.
message(texts) := texts if {
	is_string(texts)
} else := texts.en if {
	is_object(texts)
} else := texts[min(object.keys(texts))] if {
	is_object(texts)
	count(texts) > 0
}
