"""The only room that imports Flask-AppBuilder: security, guarded views, filters, the session and the skin."""
