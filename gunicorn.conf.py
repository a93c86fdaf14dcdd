from churn_api.server.gunicorn_conf import *
