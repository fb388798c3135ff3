export function printTables() {}
