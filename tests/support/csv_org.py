"""Sources of an organisation that are folders of CSV files whose columns have the names of the fields that they go into."""


def csv_source(name, folder, files, deleted=False):
    """Lines of YAML below `sources:`. files: {name: (entity, how it names its account or None, columns)}; rows have their key in
    `id` and their account in `account`; deleted: and in `gone` whether they are no more."""
    lines = [f"  {name}:", "    connector: csv", f'    folder: "{folder}"', "    files:"]
    for file, (entity, by, columns) in files.items():
        lines += [f"      {file}:", f"        match: {file}.csv", f"        entity: {entity}"]
        if entity != "usage":
            lines.append("        key: id")
            if deleted:
                lines.append("        deleted: { from: gone, in: [yes] }")
        if by:
            lines.append(f"        account: {{ from: account, by: {by} }}")
        lines += ["        map:", *(f"          - {{ to: {c}, from: {c} }}" for c in columns)]
    return "\n".join(lines) + "\n"
