"""The main window: menus, commands, tabs."""
