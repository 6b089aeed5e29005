-- Remove every row of a project from one table.
ALTER TABLE {table} DELETE WHERE project = {project:String}
