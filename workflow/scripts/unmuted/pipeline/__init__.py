"""The registry of stages and reports, and what joins the library to jobs."""
