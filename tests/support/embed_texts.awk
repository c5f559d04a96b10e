# Turns config/texts/LANGUAGE.yaml into the table `words_built_in` of common/words.h. Of YAML only comments and lines of
# `key: "text"` are used, whose escapes are those of C; a text goes on in lines that begin with two blanks.
function fail(why) {
	print FILENAME ":" FNR ": " why > "/dev/stderr"
	failed = 1
	exit 1
}
function quote(line) {
	gsub(/[\\"]/, "\\\\&", line)
	return "\t\"" line "\\n\"\n"
}
BEGIN { print "#include \"common/words.h\"\n" }
FNR == 1 {
	language = FILENAME
	sub(/.*\//, "", language)
	sub(/\.yaml$/, "", language)
	languages[++n_languages] = language
}
{ source[language] = source[language] quote($0) }
open {
	if (!/^  [^ ]/) fail("expected two blanks and more of the text")
	$0 = open " " substr($0, 3)
	open = ""
}
/^[a-z0-9_.]+: "/ && !/"$/ {
	open = $0
	next
}
/^#/ || /^$/ { next }
!/^[a-z0-9_.]+: ".*"$/ { fail("expected `key: \"text\"`") }
{
	key = $0
	sub(/:.*/, "", key)
	if ((language, key) in texts) fail(key " is there twice")
	texts[language, key] = substr($0, length(key) + 3)
	count[language]++
	keys[language, count[language]] = key
}
END {
	if (failed) exit 1
	for (l = 1; l <= n_languages; l++) {
		language = languages[l]
		n = count[language]
		for (i = 2; i <= n; i++) { # by key
			key = keys[language, i]
			for (k = i - 1; k >= 1 && keys[language, k] > key; k--) keys[language, k + 1] = keys[language, k]
			keys[language, k + 1] = key
		}
		print "static const struct words_entry texts_" language "[] = {"
		for (i = 1; i <= n; i++) print "\t{ \"" keys[language, i] "\", " texts[language, keys[language, i]] " },"
		print "};\n"
		print "static const char source_" language "[] =\n" source[language] ";\n"
	}
	print "const struct words words_built_in[] = {"
	for (l = 1; l <= n_languages; l++)
		print "\t{ \"" languages[l] "\", texts_" languages[l] ", ARRAY_LEN(texts_" languages[l] "), NULL,\n\t  source_" languages[l] " },"
	print "\t{ NULL, NULL, 0, NULL, NULL },\n};"
}
