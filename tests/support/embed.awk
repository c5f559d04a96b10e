# Turns migrations/NNNN_name.sql into the table `migrations` of store/migrate.h.
function quote(line) {
	gsub(/\\/, "\\\\", line)
	gsub(/"/, "\\\"", line)
	return "\t\t\"" line "\\n\""
}
BEGIN { print "#include <stddef.h>\n#include \"store/migrate.h\"\n\nconst struct migration migrations[] = {" }
FNR == 1 {
	if (NR > 1) print "\t},"
	name = FILENAME
	sub(/.*\//, "", name)
	sub(/\.sql$/, "", name)
	hash = "sha256sum < '" FILENAME "'"
	hash | getline sum
	close(hash)
	print "\t{ " (name + 0) ", \"" name "\", \"" substr(sum, 1, 64) "\","
}
{ print quote($0) }
END { print "\t},\n\t{ 0, NULL, NULL, NULL },\n};" }
