"""The Flask-AppBuilder admin."""
