from locust import FastHttpUser, task


class X(FastHttpUser):
    host = "http://x"

    @task
    def t(self):
        self.client.get("/")
