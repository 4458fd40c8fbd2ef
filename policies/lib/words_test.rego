package lib.words_test

import data.lib.words

test_durations[seconds] if {
	some seconds, want in {0: "0 s", 119.9: "119 s", 120: "2 min", 7199: "119 min", 7200: "2 h", 172799: "47 h", 172800: "2 days"}
	words.duration(seconds) == want
}

test_message_prefers_english if words.message({"de": "nein", "en": "no"}) == "no"

test_message_takes_the_first_language if words.message({"fr": "non", "de": "nein"}) == "nein"

test_message_can_be_plain if words.message("no") == "no"

test_no_message if not words.message({})
