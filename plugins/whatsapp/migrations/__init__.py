"""The history of the tables of WhatsApp."""
